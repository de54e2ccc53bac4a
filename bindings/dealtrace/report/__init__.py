"""Answers for people and for front ends: files, pictures, summaries."""
