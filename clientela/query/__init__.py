"""Questions to the published file, read-only; they may be put at any time. Nothing here sees the warehouse."""
