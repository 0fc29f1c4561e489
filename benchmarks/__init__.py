"""Measurements that can be repeated; they print figures and never assert a time. See docs/performance.md."""
