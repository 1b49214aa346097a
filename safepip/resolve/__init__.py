"""Choice: pure, over the Catalog port."""
