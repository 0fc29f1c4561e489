"""What was sent: packed when it is delivered, removed when its time is over, in small steps beside the traffic."""
