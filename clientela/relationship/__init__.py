"""Acting on what is known of customers: whom one may contact, what campaigns and service came to. Pure functions and settings."""
