"""What happens to a message between 250 and the next hop."""
