"""Check that a book of notebooks is right: see README.md beside this file."""
