"""The rules of a book, by what they are about. contract.py lists and applies them."""
