"""Tests of the REST API in memory."""
