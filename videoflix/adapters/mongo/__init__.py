"""The stores on MongoDB. Motor stays inside this folder."""
