import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { FilePicker } from "@/features/tables/FilePicker";
import { FormatGuide } from "@/features/tables/FormatGuide";
import { formatsQuery } from "@/features/tables/tables";
import { UploadReview } from "@/features/tables/UploadReview";
import { uploadQuery } from "@/features/tables/uploads";
import { Skeleton } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { Page } from "@/ui/Page";
import { ProblemNote } from "@/ui/ProblemNote";

const route = getRouteApi("/frame/data/upload");

export function UploadPage() {
  const { kind, upload: id } = route.useSearch();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const formats = useQuery(formatsQuery);
  const upload = useQuery({ ...uploadQuery(id ?? ""), enabled: id !== undefined && id !== "" });
  const chosen = id !== undefined && id !== "";
  const another = () => void navigate({ to: "/data/upload", search: kind === undefined ? {} : { kind } });

  return (
    <Page
      title="Upload a file"
      lead={chosen ? "Say what the columns are. Nothing changes before you save." : "A CSV file, as your till, shop or spreadsheet exports it."}
      actions={
        <LinkButton to="/data" variant="default">
          Back to data
        </LinkButton>
      }
    >
      {!chosen && (
        <>
          <FilePicker
            onRead={(read) => {
              queryClient.setQueryData(uploadQuery(read.id).queryKey, read);
              // The file is part of the address: a reload comes back to it.
              void navigate({ to: "/data/upload", search: { ...(kind === undefined ? {} : { kind }), upload: read.id } });
            }}
          />
          {formats.isPending && <Skeleton height={260} radius="md" />}
          {formats.isError && (
            <ProblemNote error={formats.error} title="The formats could not be read." onRetry={() => void formats.refetch()} />
          )}
          {formats.data !== undefined && <FormatGuide formats={formats.data} first={kind} />}
        </>
      )}
      {chosen && (upload.isPending || formats.isPending) && <Skeleton height={420} radius="md" />}
      {chosen && upload.isError && (
        <>
          <ProblemNote error={upload.error} title="This file is no longer there. Files wait for a while only." />
          <div>
            <LinkButton to="/data/upload" search={{}}>
              Choose a file
            </LinkButton>
          </div>
        </>
      )}
      {chosen && formats.isError && (
        <ProblemNote error={formats.error} title="The formats could not be read." onRetry={() => void formats.refetch()} />
      )}
      {upload.data !== undefined && formats.data !== undefined && (
        <UploadReview
          key={upload.data.id}
          upload={upload.data}
          formats={formats.data}
          wanted={kind}
          onAnother={another}
          onSaved={() => {
            void queryClient.invalidateQueries({ queryKey: ["tables"] });
            void navigate({ to: "/data" });
          }}
        />
      )}
    </Page>
  );
}
