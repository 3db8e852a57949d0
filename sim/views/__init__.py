"""Views: tables and pictures of results. A view reads a results table and never a model."""
