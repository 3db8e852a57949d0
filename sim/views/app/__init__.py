"""The web demo: two worlds side by side in a browser, for a class. It reads tables and knows no model."""
