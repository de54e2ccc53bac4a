"""Synthetic CRM organisations: what happened in them, and the tables that their systems would hold of it."""
