"""What both services need; imports neither of them."""
