"""The task `reframe`: a gloomy thought, looked at in a brighter way."""
