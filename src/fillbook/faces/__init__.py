"""What people touch: the command line, the API and the page. No rules of the trade live here."""
