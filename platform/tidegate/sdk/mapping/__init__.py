"""A platform's order documents to drafts, as data: `orders` of a manifest says which path is which field."""
