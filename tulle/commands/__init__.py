"""The verbs, one file each; `tulle.verbs` lists them."""
