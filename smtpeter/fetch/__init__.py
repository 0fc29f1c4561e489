"""The one HTTP client for addresses that strangers name: it goes nowhere but the public network, within limits."""
