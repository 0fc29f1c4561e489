"""The web side: tracking pixel and click redirects, health, routed by host name."""
