"""Speed, measured beside a floor in the same run. `python -m bench` runs it; nothing here asserts."""
