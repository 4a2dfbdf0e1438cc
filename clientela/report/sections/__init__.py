"""The parts of the report. Each is a function of the published file that gives what it found, or why it can say nothing.

`section` says what a part is; `business`, `people`, `worth` and `deliveries` hold them; `registry` lists them in their order.
"""
