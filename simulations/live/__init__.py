"""Plain parts of live runs: playhead arithmetic, recipes, and what is kept in Valkey. No Django models
here.
"""
