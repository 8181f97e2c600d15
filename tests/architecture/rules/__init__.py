"""One rule a file: its docstring says what must hold and which harm that prevents."""
