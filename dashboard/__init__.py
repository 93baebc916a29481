"""The pane of glass: the only package that knows Streamlit."""
