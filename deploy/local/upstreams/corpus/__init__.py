"""The made-up news: facts and wording of stories, and the writers that tell them in each source's shape."""
