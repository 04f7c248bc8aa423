"""What experiments measured, and how they see recoils; they hold no theory."""
