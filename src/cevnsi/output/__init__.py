"""What is shown: figures, captions, the report, a submission to HEPData."""
