"""SQL as text: quoting names, and which expressions a configuration may hold. No connection but a checker's own."""
