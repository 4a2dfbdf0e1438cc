"""Questions to the published file, read-only; they may be asked at any time. Nothing here sees the warehouse."""
