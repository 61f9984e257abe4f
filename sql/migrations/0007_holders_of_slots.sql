-- Which try of a task holds the slots, or waits for them: one that was given up gives back nothing
-- that the next one has.
alter table audit.slot_requests add column holder text not null default '';
-- Whether the run is told when they are granted. A sensor that looks by itself needs no telling.
alter table audit.slot_requests add column is_told boolean not null default true;
