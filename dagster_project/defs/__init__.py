"""The definitions, one idea per module; `dagster_project.definitions` puts them together."""
