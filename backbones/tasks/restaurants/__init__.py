"""The task of the sets `restaurants`: one description from the facts of a restaurant."""
