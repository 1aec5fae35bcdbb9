"""Would a wrong lesson be noticed? An instrument for authors; see mutate.py."""
