"""An app whose tables are as awkward as sites have them, for the tests of made-up rows."""
