"""A gloomy thought, reframed: true to it, or bright."""
