"""The graph that leads from a prediction to everything it was made of, and back."""
