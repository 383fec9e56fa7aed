"""Results that other tools logged, brought in as events: marked as recorded, with the source's hash beside them."""
