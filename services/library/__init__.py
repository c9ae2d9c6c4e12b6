"""The library: every image that anybody announced, with what is known of it and how it is kept."""
