"""The contenders: one program each, run by the interpreter that has its packages."""
