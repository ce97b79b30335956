"""All that one run needs: the design document and its frozen snapshot."""
