-- The root of the tree after every batch. A copy kept elsewhere shows a later rewriting.
CREATE OR REPLACE VIEW checkpoint_v1 AS
SELECT tree_size, root, at FROM checkpoint;
