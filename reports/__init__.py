"""Results told to people: elements rendered to HTML, JSON and PDF."""
