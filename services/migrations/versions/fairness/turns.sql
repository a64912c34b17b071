-- Start-time fair queueing (Goyal 1996), counted in stages: a user's stages follow each other, a newcomer starts at the
-- queue's virtual time, which is the turn of what was claimed last.
create table turns (
    queue text not null references queues,
    user_id bigint not null references users,
    next_turn bigint not null,
    primary key (queue, user_id)
);

drop index stages_ready;
create index stages_ready on stages (queue, user_id, priority, id) where state = 'ready';
alter table stages drop column turn;
alter table jobs drop column turn;
alter table users drop column next_turn;
