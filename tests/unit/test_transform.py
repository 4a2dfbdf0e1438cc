"""A model that fails is told of in a line that says why."""

import pytest

from clientela.build_models import NodeResult

OF_SQL = """Runtime Error in model my_customers (models/my_customers.sql)
  Conversion Error: Could not convert string 'x' to INT32

  LINE 3: cast('x' as integer)
"""
OF_PYTHON = """Runtime Error in model int_forecasts (models/intermediate/int_forecasts.py)
  Python model failed:
  Traceback (most recent call last):
    File "/tmp/x.py", line 48, in model
      raise ValueError("no days")
  ValueError: no days

"""


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (OF_SQL, "Conversion Error: Could not convert string 'x' to INT32"),
        (OF_PYTHON, "ValueError: no days"),
        ("Got 3 results, configured to fail if != 0", "Got 3 results, configured to fail if != 0"),
        ("", "fail"),
    ],
)
def test_the_cause_is_the_line_below_the_heading_or_the_end_of_a_traceback(message: str, cause: str) -> None:
    assert NodeResult("model.a", "model", "a", "fail", 0.1, message, 0).cause == cause
