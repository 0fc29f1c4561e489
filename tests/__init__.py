"""Tests of SMTPeter; the tree mirrors the package."""
