"""Recipes: outlive beside the libraries that it is used with. Each is a program of its own."""
