"""Model files before PySD sees them: encodings, and what Vensim and XMILE allow but PySD's parser does not."""
