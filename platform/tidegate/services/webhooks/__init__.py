"""Calls that we make to others when something happens (Standard Webhooks)."""
