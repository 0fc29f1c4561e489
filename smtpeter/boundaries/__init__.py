"""What one stage may ask of another: protocols and the refusals they raise, no logic."""
