"""Figures as Rich text. Colours are the terminal's sixteen, and never the only sign of anything."""
