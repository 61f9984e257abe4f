alter table audit.outbox drop constraint outbox_kind_check;
alter table audit.outbox add constraint outbox_kind_check
check (kind in ('findings', 'failure', 'deadline'));
